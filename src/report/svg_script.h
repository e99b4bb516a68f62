/* SPDX-License-Identifier: MIT */
/* svg_script.h - the script within call graphs as SVG. */
#ifndef REPORT_SVG_SCRIPT_H
#define REPORT_SVG_SCRIPT_H

extern const char svg_script[];

#endif
