"""Optical flow by OpenCV's dense inverse search, for scripts/check.

check-flow.py FRAME OTHER OUT: writes the flow from FRAME to OTHER as Middlebury's .flo.
Needs opencv-python-headless.
"""

import sys

import cv2

first, second = (cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2GRAY) for path in sys.argv[1:3])
search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
if not cv2.writeOpticalFlow(sys.argv[3], search.calc(first, second, None)):
    sys.exit(f"cannot write {sys.argv[3]}")
