#include "pipelines/sink/signature.h"

#include "base/foreign.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

enum { TIME_TEXT_SIZE = 32, HASH_SIZE = 32 };

static bool hash(unsigned char hash_out[HASH_SIZE], EVP_MAC_CTX *context, const char *secret,
                 struct buffer *time, const void *body, size_t size)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_utf8_string("digest", digest, sizeof(digest) - 1),
                                     OSSL_PARAM_END};
    size_t hash_size = 0;
    return EVP_MAC_init(context, (const unsigned char *)secret, strlen(secret), parameters) == 1 &&
           EVP_MAC_update(context, (const unsigned char *)time->data, time->size) == 1 &&
           EVP_MAC_update(context, (const unsigned char *)".", 1) == 1 &&
           EVP_MAC_update(context, body, size) == 1 &&
           EVP_MAC_final(context, hash_out, &hash_size, HASH_SIZE) == 1 && hash_size == HASH_SIZE;
}

int signature_add(struct buffer *out, const char *secret, int64_t time_s, const void *body,
                  size_t size)
{
    struct buffer time;
    buffer_init(&time, TIME_TEXT_SIZE);
    buffer_add_int(&time, time_s);
    unsigned char value[HASH_SIZE];
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    bool good =
        context != NULL && !buffer_failed(&time) && hash(value, context, secret, &time, body, size);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(hmac);
    if (good) {
        buffer_add_str(out, "X-Ghgd-Signature: t=");
        buffer_add(out, time.data, time.size);
        buffer_add_str(out, ",v1=");
        foreign_add_hex(out, value, sizeof(value));
    }
    buffer_fini(&time);
    return good && !buffer_failed(out) ? 0 : -ENOMEM;
}
