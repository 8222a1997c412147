/*
 * version.h - what --version and cdc_build_info say: CMake fills it in.
 */
#pragma once

/* "0.1.0" */
extern const char version_text[];

/* The git revision this was built from, shortened; "unknown" outside a
   checkout. That of the last `cmake` run: -DCDC_REVISION=... overrides it. */
extern const char version_revision[];
