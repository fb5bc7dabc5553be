"""What a protected query may do, and doing it. Nothing here knows a collaboration, a membership or a caller: only tables, their rules and a text."""
