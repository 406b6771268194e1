"""A data set from Kaggle or from archives, in the layout that its task expects."""
