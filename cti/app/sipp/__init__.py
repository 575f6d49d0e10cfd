"""SIPp scenarios against the running platform, each judged by expectations written as data."""
