"""Tests of archsim and its workloads; a mirror of both trees."""
