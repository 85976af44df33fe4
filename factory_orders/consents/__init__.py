"""A car that is not new any more, offered to its buyer for less while another one is built."""
