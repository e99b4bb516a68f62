/* SPDX-License-Identifier: MIT */
/* flame_script.h - what moves in a flame graph's file. */
#ifndef REPORT_FLAME_SCRIPT_H
#define REPORT_FLAME_SCRIPT_H

extern const char flame_script[];

#endif
