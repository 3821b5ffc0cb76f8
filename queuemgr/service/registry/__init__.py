"""The registry file: one job record a line, as older programs and users' scripts read it. The store is the truth."""
