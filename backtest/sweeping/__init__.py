"""Many settings: what is swept, how it is replayed, here and on a cluster, and where its rows go."""
