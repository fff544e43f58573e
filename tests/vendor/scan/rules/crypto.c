/* Each `finds` names the rule that must speak of the next line, each `leaves` one that must not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void draws(uint8_t *session_key, uint8_t *pattern, int i, uint32_t seed)
{
    /* finds: key-from-weak-random */
    session_key[i] = rand() & 0xff;
    /* leaves: key-from-weak-random */
    pattern[i] = rand() & 0xff;
    /* finds: random-seed-guessable */
    srand(time(NULL));
    /* finds: random-seed-guessable */
    srand(1234);
    /* leaves: random-seed-guessable */
    srand(seed);
}

void encrypts(void *aes, const uint8_t *in, uint8_t *out)
{
    /* finds: cipher-ecb */
    mbedtls_aes_crypt_ecb(aes, 1, in, out);
    /* finds: cipher-ecb */
    use(EVP_aes_128_ecb());
    /* leaves: cipher-ecb */
    use(EVP_aes_128_gcm());
    /* finds: cipher-broken */
    mbedtls_des3_set3key_enc(aes, in);
    /* leaves: cipher-broken */
    mbedtls_aes_setkey_enc(aes, in, 128);
    /* finds: digest-broken */
    mbedtls_md5(in, 16, out);
    /* finds: digest-broken */
    psa_hash_setup(aes, PSA_ALG_SHA_1);
    /* leaves: digest-broken */
    mbedtls_sha256(in, 16, out, 0);
}

void repeats(void *aes, const uint8_t *in, uint8_t *out)
{
    /* finds: iv-constant */
    static const uint8_t start_iv[16] = {0};
    /* leaves: iv-constant */
    uint8_t iv[16] = {0};
    /* leaves: iv-constant */
    static const uint8_t drive[2] = {1, 2};
    mbedtls_aes_crypt_cbc(aes, 1, 16, start_iv, in, out);
    use(iv, drive);
}

int compares(const uint8_t *hmac, const uint8_t *header, const uint8_t *got)
{
    /* finds: secret-compared-byte-by-byte */
    if (memcmp(hmac, got, 32) == 0) {
        return 1;
    }
    /* leaves: secret-compared-byte-by-byte */
    use(strcmp(token_kind, "bearer"));
    /* leaves: secret-compared-byte-by-byte */
    return memcmp(header, got, 32) == 0;
}

int wipes(uint8_t *private_key, uint8_t *scratch)
{
    memset(scratch, 1, 32);
    /* finds: secret-wiped-in-vain */
    memset(private_key, 0, 32);
    return 0;
}

int wipes_well(uint8_t *private_key, uint8_t *counters)
{
    mbedtls_platform_zeroize(private_key, 32);
    /* leaves: secret-wiped-in-vain */
    memset(counters, 0, 32);
    return 0;
}

void connects(void *conf, void *ctx, void *curl, void *client)
{
    /* finds: peer-unverified-mbedtls */
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE);
    /* leaves: peer-unverified-mbedtls */
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    /* finds: peer-unverified-openssl */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    /* finds: peer-unverified-openssl */
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, 0);
    /* leaves: peer-unverified-openssl */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    /* finds: peer-unverified-curl */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    /* leaves: peer-unverified-curl */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    /* finds: tls-outdated */
    use(TLSv1_method());
    /* finds: tls-outdated */
    mbedtls_ssl_conf_min_version(conf, 3, MBEDTLS_SSL_MINOR_VERSION_1);
    /* leaves: tls-outdated */
    use(TLS_method());
}

void zephyr(int socket)
{
    /* finds: peer-unverified-rtos */
    int verify = TLS_PEER_VERIFY_NONE;
    /* leaves: peer-unverified-rtos */
    int strict = TLS_PEER_VERIFY_REQUIRED;
    use(socket, verify, strict);
}

/* finds: verification-callback-accepts-all */
int accepts(void *data, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    log_depth(depth);
    *flags = 0;
    return 0;
}

/* leaves: verification-callback-accepts-all */
int judges(void *data, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    return *flags ? -1 : 0;
}

int verifies(void *key, const uint8_t *hash, const uint8_t *signature)
{
    /* finds: signature-result-ignored */
    mbedtls_pk_verify(key, 0, hash, 32, signature, 64);
    /* leaves: signature-result-ignored */
    int said = mbedtls_pk_verify(key, 0, hash, 32, signature, 64);
    /* leaves: signature-result-ignored */
    if (mbedtls_pk_verify(key, 0, hash, 32, signature, 64) != 0) {
        return -1;
    }
    /* leaves: signature-result-ignored */
    return mbedtls_pk_verify(key, 0, hash, 32, signature, 64);
}

void generates(void *rsa)
{
    /* finds: key-too-short */
    mbedtls_rsa_gen_key(rsa, NULL, NULL, 1024, 65537);
    /* leaves: key-too-short */
    mbedtls_rsa_gen_key(rsa, NULL, NULL, 3072, 65537);
}
