/* What the C tests share. */
#ifndef CHECK_H
#define CHECK_H

#include <essence.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: %s does not hold (last message: %s)\n", __FILE__, __LINE__, \
                    #condition, last_error.message); \
            exit(1); \
        } \
    } while (0)

/* Statuses that were met, from -999 to 999. */
static unsigned char met[1999];
#define MET(status) (met[(status) + 999])

/* A call that must end so. Its error says the same and has a message exactly if it failed. */
#define EXPECT(expected, call) \
    do { \
        const essence_status status_ = (call); \
        CHECK(status_ == (expected)); \
        MET(status_) = 1; \
        CHECK(last_error.status == status_); \
        CHECK((last_error.message[0] != 0) == (status_ < 0)); \
    } while (0)

static essence_error last_error = ESSENCE_ERROR_INIT;
#define ERR (&last_error)

/* The toy avatar on the CPU. */
static inline essence_avatar *open_toy(const char *testdata)
{
    char path[1024];
    essence_engine_options options = ESSENCE_ENGINE_OPTIONS_INIT;
    essence_engine *engine = NULL;
    essence_avatar *avatar = NULL;
    options.provider = ESSENCE_PROVIDER_CPU;
    EXPECT(ESSENCE_OK, essence_engine_create(&options, &engine, ERR));
    snprintf(path, sizeof path, "%s/avatars/toy.imx", testdata);
    EXPECT(ESSENCE_OK, essence_avatar_open(engine, path, &avatar, ERR));
    essence_engine_destroy(engine);
    return avatar;
}

/* A buzz that opens the mouth. */
static inline void buzz(short *samples, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++)
        samples[i] = (short)((int)(i * 977 % 20001) - 10000);
}

#endif
