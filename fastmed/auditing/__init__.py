"""The audit: leaks, shortcuts and defects of a data set, found before anything is learnt."""
