from hypothesis import given
from hypothesis import strategies as st

from fastmed.learn.input.share import Share

plans = st.tuples(st.integers(0, 200), st.integers(1, 9), st.integers(1, 6), st.booleans())


@given(plans)
def test_every_image_is_taken_once(plan: tuple[int, int, int, bool]) -> None:
    images, size, count, whole_only = plan
    shares = [Share(rank, count).of(range(images), size, whole_only) for rank in range(count)]
    left_out = images % (size * count) if whole_only else 0
    assert sorted(place for one in shares for place in one) == [*range(images - left_out)]


@given(plans)
def test_the_parts_of_a_batch_make_the_batch(plan: tuple[int, int, int, bool]) -> None:
    images, size, count, whole_only = plan
    shares = [Share(rank, count).of(range(images), size, whole_only) for rank in range(count)]
    for batch in range(images // (size * count)):
        parts = [one[batch * size : (batch + 1) * size] for one in shares]
        start = batch * size * count
        assert [place for one in parts for place in one] == [*range(start, start + size * count)]


@given(plans)
def test_batches_are_counted(plan: tuple[int, int, int, bool]) -> None:
    images, size, count, whole_only = plan
    shares = [Share(rank, count) for rank in range(count)]
    lengths = [len(one.of(range(images), size, whole_only)) for one in shares]
    counted = [one.batches(images, size, whole_only) for one in shares]
    assert counted == [-(-length // size) for length in lengths]
    common = {one.common_batches(images, size, whole_only) for one in shares}
    assert common == {min(counted)}


def test_alone_all_is_taken() -> None:
    assert Share().of([3, 1, 2], 2, whole_only=False) == [3, 1, 2]
