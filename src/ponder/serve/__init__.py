"""The door over HTTP: APIs that other programs speak, ponder's own, and the pages.

`app` puts it together and says where a new API operation or page goes.
"""
