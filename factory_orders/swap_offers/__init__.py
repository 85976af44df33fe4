"""Who would be late is asked whether another order's equal car is wanted that is further built."""
