/* SPDX-License-Identifier: Apache-2.0
 *
 * make_bombs DIRECTORY: writes every input of bombs.h as a file of its name.
 */
#include <stdio.h>

#include "bombs.h"

int main(int argc, char **argv)
{
    size_t count = 0;
    const struct bomb *all = bombs(&count);
    for (size_t i = 0; argc == 2 && i < count; i++) {
        CLEANUP(buf_clear) struct buf bytes = { 0 };
        char path[4096];
        all[i].put(&bytes);
        snprintf(path, sizeof(path), "%s/%s", argv[1], all[i].name);
        FILE *f = fopen(path, "w");
        if (f == NULL || fwrite(bytes.p, 1, bytes.len, f) != bytes.len || fclose(f) != 0) {
            perror(path);
            return 1;
        }
    }
    return argc == 2 ? 0 : 2;
}
