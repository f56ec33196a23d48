/* What libcurl can do and this program never asks of it, for the static build alone (option DRILLYARD_STATIC).
 *
 * Debian's libcurl.a speaks LDAP and RTMP, negotiates Kerberos, and knows international names and public suffixes (for cookies). The
 * libraries for that are not all there as archives, and nothing of it can be reached: every handle is held to http and https
 * (CURLOPT_PROTOCOLS_STR in net/http_call.c), has no cookies, and authenticates with a bearer token or a certificate only. So each
 * function is here and answers that it cannot; a host name that is not ASCII is refused. hack/decisions/0006 says why, and what it saves.
 *
 * None of their headers is included (they need not be installed), so none has its true parameters: the answer needs none of them, and
 * by the calling conventions of all 64-bit Linux systems the caller clears up what it has passed. */

#define ABSENT(name, answer)                                                                                                       \
    long name(void);                                                                                                               \
    long name(void)                                                                                                                \
    {                                                                                                                              \
        return answer;                                                                                                             \
    }

/* ── GSSAPI: GSS_S_UNAVAILABLE; what releases has nothing to release ── */

#define GSS_UNAVAILABLE (16L << 16)

extern const void *const GSS_C_NT_HOSTBASED_SERVICE;
const void *const GSS_C_NT_HOSTBASED_SERVICE = 0;

ABSENT(gss_delete_sec_context, 0)
ABSENT(gss_display_name, GSS_UNAVAILABLE)
ABSENT(gss_display_status, GSS_UNAVAILABLE)
ABSENT(gss_import_name, GSS_UNAVAILABLE)
ABSENT(gss_init_sec_context, GSS_UNAVAILABLE)
ABSENT(gss_inquire_context, GSS_UNAVAILABLE)
ABSENT(gss_release_buffer, 0)
ABSENT(gss_release_name, 0)
ABSENT(gss_unwrap, GSS_UNAVAILABLE)
ABSENT(gss_wrap, GSS_UNAVAILABLE)

/* ── LDAP: a URL is LDAP_NOT_SUPPORTED; nothing comes after that ── */

#define LDAP_UNSUPPORTED 0x5cL

ABSENT(ldap_url_parse, LDAP_UNSUPPORTED)
ABSENT(ldap_pvt_url_scheme2proto, LDAP_UNSUPPORTED)
ABSENT(ldap_init_fd, LDAP_UNSUPPORTED)
ABSENT(ldap_start_tls, LDAP_UNSUPPORTED)
ABSENT(ldap_sasl_bind, LDAP_UNSUPPORTED)
ABSENT(ldap_search_ext, LDAP_UNSUPPORTED)
ABSENT(ldap_abandon_ext, LDAP_UNSUPPORTED)
ABSENT(ldap_unbind_ext, LDAP_UNSUPPORTED)
ABSENT(ldap_get_option, LDAP_UNSUPPORTED)
ABSENT(ldap_set_option, LDAP_UNSUPPORTED)
ABSENT(ldap_parse_result, LDAP_UNSUPPORTED)
ABSENT(ldap_parse_sasl_bind_result, LDAP_UNSUPPORTED)
ABSENT(ldap_get_attribute_ber, LDAP_UNSUPPORTED)
ABSENT(ldap_get_dn_ber, LDAP_UNSUPPORTED)
ABSENT(ldap_result, -1)
ABSENT(ldap_msgtype, -1)
ABSENT(ldap_err2string, (long)"LDAP is not supported")
ABSENT(ldap_free_urldesc, 0)
ABSENT(ldap_memfree, 0)
ABSENT(ldap_msgfree, 0)
ABSENT(ber_bvfree, 0)
ABSENT(ber_free, 0)
ABSENT(ber_memfree, 0)
ABSENT(ber_sockbuf_add_io, -1)

/* ── RTMP: no session can be allocated ── */

ABSENT(RTMP_Alloc, 0)
ABSENT(RTMP_Init, 0)
ABSENT(RTMP_SetupURL, 0)
ABSENT(RTMP_SetBufferMS, 0)
ABSENT(RTMP_Connect1, 0)
ABSENT(RTMP_ConnectStream, 0)
ABSENT(RTMP_Read, -1)
ABSENT(RTMP_Write, -1)
ABSENT(RTMP_Close, 0)
ABSENT(RTMP_Free, 0)

/* ── international names, public suffixes: IDN2_INVALID_FLAGS, no list ── */

#define IDN_UNSUPPORTED (-311L)

ABSENT(idn2_check_version, 0)
ABSENT(idn2_lookup_ul, IDN_UNSUPPORTED)
ABSENT(idn2_lookup_u8, IDN_UNSUPPORTED)
ABSENT(idn2_to_ascii_lz, IDN_UNSUPPORTED)
ABSENT(idn2_to_unicode_8z8z, IDN_UNSUPPORTED)
ABSENT(idn2_strerror, (long)"international names are not supported")
ABSENT(idn2_free, 0)
ABSENT(psl_builtin, 0)
ABSENT(psl_latest, 0)
ABSENT(psl_is_cookie_domain_acceptable, 0)
ABSENT(psl_check_version_number, 0)
ABSENT(psl_get_version, (long)"none")
ABSENT(psl_free, 0)
