"""What a buyer still owes at the handover: asked for, paid, lost, taken back."""
