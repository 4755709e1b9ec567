;; missing.wat - imports what no host has.
(module
  (import "env" "add" (func (param i32 i32) (result i32)))
  (import "env" "nothing" (func (param i32)))
  (func (export "run")))
