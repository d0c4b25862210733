# the programs' fragment
