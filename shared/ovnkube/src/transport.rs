//! A unix connection on which nothing lasts beyond one deadline.
