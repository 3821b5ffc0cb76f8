"""The service as a daemon: its configuration, its pid file, its logs, and its words with systemd."""
