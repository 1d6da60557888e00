"""What comes in from outside, none of which is trusted: archives, links, downloads, webhooks, file names."""
