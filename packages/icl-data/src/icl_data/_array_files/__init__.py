"""Arrays in .npz, .npy and HDF5 files, and what files claim held against what they have."""
