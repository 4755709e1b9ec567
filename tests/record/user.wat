;; An instance that uses a table of another's.
(module $user
  (type $unary (func (param i32) (result i32)))
  (import "main" "table" (table 1 funcref))
  (func (export "through") (param i32 i32) (result i32)
    (call_indirect (type $unary) (local.get 1) (local.get 0))))
