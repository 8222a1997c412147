#include "monitor/place.h"

#include "monitor/roles.h"

int place_role(struct str name)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        if (str_eq(name, str_of(role_names[i]))) {
            return i;
        }
    }
    return -1;
}

static bool port_is_good(struct str port)
{
    unsigned value = 0;

    for (size_t i = 0; i < port.len; i++) {
        if (port.p[i] < '0' || port.p[i] > '9' || i == 5) {
            return false;
        }
        value = value * 10 + (unsigned)(port.p[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

static bool host_is_good(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
              c == ':')) {
            return false;
        }
    }
    return host.len > 0 && host.len < 256;
}

bool place_cut(struct str text, struct str *ret_host, struct str *ret_port)
{
    const char *colon = text.len > 0 ? memrchr(text.p, ':', text.len) : NULL;
    struct str host, port;

    if (!colon) {
        return false;
    }
    host = (struct str){ text.p, (size_t)(colon - text.p) };
    port = (struct str){ colon + 1, text.len - host.len - 1 };
    if (host.len > 2 && host.p[0] == '[' && host.p[host.len - 1] == ']') {
        host = (struct str){ host.p + 1, host.len - 2 };
    }
    if (!host_is_good(host) || !port_is_good(port)) {
        return false;
    }
    *ret_host = host;
    *ret_port = port;
    return true;
}
