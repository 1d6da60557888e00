"""Result files, the archive, the delivery, and the report page."""
