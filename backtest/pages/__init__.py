"""Reports as pages: one file of HTML each, which opens by double click and asks nothing of any server."""
