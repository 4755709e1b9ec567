module stubmap/peers/goreader

go 1.22
