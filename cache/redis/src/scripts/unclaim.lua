-- KEYS: fill lease. ARGV: lease.
unclaim(KEYS[1], ARGV[1])
return 1
