#!/bin/bash
exec "$SRC/stacklab/fuzz/oss-fuzz/build.sh"
