# SPDX-License-Identifier: Apache-2.0
# Prints FILE:LINE:code of a C file with comments and the inside of literals taken out, so that
# a search finds calls and not prose.  -v file=NAME
{
    line = $0
    out = ""
    while (line != "") {
        if (inside) {
            at = index(line, "*/")
            if (!at)
                break
            line = substr(line, at + 2)
            inside = 0
            continue
        }
        c = substr(line, 1, 1)
        if (substr(line, 1, 2) == "/*") {
            inside = 1
            line = substr(line, 3)
        } else if (substr(line, 1, 2) == "//") {
            break
        } else if (c == "\"" || c == "'") {
            line = substr(line, 2)
            while (line != "" && substr(line, 1, 1) != c)
                line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
            line = substr(line, 2)
            out = out c c
        } else {
            out = out c
            line = substr(line, 2)
        }
    }
    if (out !~ /^[ \t]*$/)
        print file ":" FNR ":" out
}
