print("anchorctl")
