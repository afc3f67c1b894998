#include "pipelines/sink/gzip.h"

#include <errno.h>
#include <zlib.h>

enum { LEVEL = 1, WINDOW_BITS_GZIP = 15 + 16, MEMORY_LEVEL = 8, CHUNK_BYTES = 32 << 10 };

int gzip_add(struct buffer *out, const void *data, size_t size)
{
    ASSERT(size <= UINT32_MAX);
    z_stream stream = {0};
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, WINDOW_BITS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    stream.next_in = (z_const Bytef *)data;
    stream.avail_in = (uInt)size;
    int status = Z_OK;
    while (status == Z_OK) {
        unsigned char chunk[CHUNK_BYTES];
        stream.next_out = chunk;
        stream.avail_out = CHUNK_BYTES;
        status = deflate(&stream, Z_FINISH);
        buffer_add(out, chunk, CHUNK_BYTES - stream.avail_out);
    }
    ASSERT(status == Z_STREAM_END); /* all of the input is there, and always room for output */
    (void)deflateEnd(&stream);
    return buffer_failed(out) ? -ENOMEM : 0;
}
