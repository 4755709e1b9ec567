;; set.wat - puts a function with more parameters than a stub passes into a table while it runs.
(module
  (table $table 2 funcref)
  (elem declare func $many)
  (func $many (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32))
  (func (export "_start") (table.set $table (i32.const 1) (ref.func $many))))
