;; signature.wat - imports a function of the host's with another signature.
(module
  (import "env" "add" (func (param i64 i32) (result i32)))
  (func (export "run")))
