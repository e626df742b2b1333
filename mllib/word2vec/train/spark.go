package train

func (w *Weights) initSpark(seed int64) {}
