"""What is to be predicted, listed without holding all of it in memory."""

from fastmed.data.listing.listing import Listing as Listing
from fastmed.data.listing.listing import listing_of as listing_of
