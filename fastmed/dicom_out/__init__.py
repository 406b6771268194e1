"""DICOM out: what was predicted, as Structured Reports and Secondary Captures of the same studies.

`sources` says which images of which studies there are, `codes` how a finding is coded, `reports`
and `captures` make the objects, `lettering` burns words into pixels. `writing` is the story.
"""

from fastmed.dicom_out.writing import write_dicom_sc, write_dicom_sr

__all__ = ["write_dicom_sc", "write_dicom_sr"]
