module github.com/spurwheel/spurwheel

go 1.26
