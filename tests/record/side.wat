;; Another instance: what main imports of it, and a call through main's table.
(module $side
  (type $unary (func (param i32) (result i32)))
  (func (export "twice") (type $unary)
    (i32.shl (local.get 0) (i32.const 1))))
