# table.s - operations that C lacks: on entries of the table that C's function pointers count in.
	.tabletype	__indirect_function_table, funcref

	.globl	table_move
	.functype	table_move (i32, i32) -> ()
	.type	table_move,@function
table_move:				# entry $0 = entry $1
	.functype	table_move (i32, i32) -> ()
	local.get	0
	local.get	1
	table.get	__indirect_function_table
	table.set	__indirect_function_table
	end_function

	.globl	table_more
	.functype	table_more (i32) -> (i32)
	.type	table_more,@function
table_more:				# $0 more entries, empty
	.functype	table_more (i32) -> (i32)
	ref.null_func
	local.get	0
	table.grow	__indirect_function_table
	end_function
