print("segkernels")
