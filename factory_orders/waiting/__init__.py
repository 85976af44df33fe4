"""Offers to buyers who would wait longer for their car than anybody should (DOMAIN section 6.5)."""
