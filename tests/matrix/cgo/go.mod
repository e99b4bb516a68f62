module plan

go 1.18
