/* SPDX-License-Identifier: MIT */
/* fetch.c - the only user of libcurl. */
#include "report/fetch.h"

#ifdef HAVE_LIBCURL
#include <curl/curl.h>
#endif

void fetch_clear(struct fetch *fetch)
{
	strbuf_clear(&fetch->body);
	error_free(fetch->error);
	fetch->error = NULL;
}

#ifdef HAVE_LIBCURL

#define BODY_BYTES_MAX ((size_t)1 << 30)
#define ERROR_BYTES_MAX 4096 /* of a server's own words */
#define REDIRECTS_MAX 10L
#define GRACE_S 5 /* for the answer, once the time is over */
#define INSECURE "https+insecure://"

struct request {
	struct fetch *fetch;
	CURL *curl;
	struct curl_slist *headers;
	char *url;
	char status[128]; /* "404 Not Found" */
	bool is_pprof;	  /* the server's words on an error are for people */
	bool is_text;
	char reason[CURL_ERROR_SIZE];
};

const char *fetch_library_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct request *request = ctx;

	if (request->fetch->body.len + size * n > BODY_BYTES_MAX) {
		if (!request->fetch->error)
			request->fetch->error =
				error_new("the answer is larger than 1 GiB");
		return 0;
	}
	strbuf_add(&request->fetch->body, data, size * n);
	return size * n;
}

static bool is_header(const char *line, const char *name)
{
	return !strncasecmp(line, name, strlen(name));
}

/* One line of a header; the first one, and that of each redirect, is the
 * status. */
static size_t take_header(char *data, size_t size, size_t n, void *ctx)
{
	struct request *request = ctx;
	CLEANUP(free) char *line = xstrndup(data, size * n);
	const char *blank = strchr(line, ' ');

	line[strcspn(line, "\r\n")] = '\0';
	if (is_header(line, "HTTP/")) {
		snprintf(request->status, sizeof(request->status), "%s",
			 blank ? blank + 1 : line);
		request->is_pprof = request->is_text = false;
		strbuf_reset(&request->fetch->body);
	}
	request->is_pprof |= is_header(line, "X-Go-Pprof:");
	request->is_text |= is_header(line, "Content-Type:") &&
			    strstr(line, "text/plain");
	return size * n;
}

static void set_tls(CURL *curl, const struct fetch_tls *tls, bool is_insecure)
{
	if (is_insecure) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (tls->certificate)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, tls->certificate);
	if (tls->key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, tls->key);
	if (tls->authority)
		curl_easy_setopt(curl, CURLOPT_CAINFO, tls->authority);
}

/* Never another protocol, wherever a server may redirect us to. */
static void set_protocols(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, both);
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, both);
#endif
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
}

static void request_open(struct request *request, struct fetch *fetch,
			 const struct fetch_tls *tls)
{
	bool is_insecure = !strncmp(fetch->url, INSECURE, strlen(INSECURE));
	CURL *curl = curl_easy_init();

	*request = (struct request){ .fetch = fetch, .curl = curl };
	if (!curl) {
		fetch->error = error_new("libcurl cannot be initialized");
		return;
	}
	request->url = is_insecure ?
			       xasprintf("https://%s",
					 fetch->url + strlen(INSECURE)) :
			       xstrdup(fetch->url);
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT,
			 (long)fetch->timeout_s + GRACE_S);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, request->reason);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, (char *)request);
	set_protocols(curl);
	set_tls(curl, tls, is_insecure);
	if (!fetch->post)
		return;
	request->headers = curl_slist_append(
		NULL, "Content-Type: application/octet-stream");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
			 (curl_off_t)strlen(fetch->post));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch->post);
}

static void request_close(struct request *request)
{
	curl_easy_cleanup(request->curl);
	curl_slist_free_all(request->headers);
	free(request->url);
}

/* "server response: 404 Not Found - Unknown profile" */
static struct error *status_error(const struct request *request)
{
	const struct strbuf *body = &request->fetch->body;
	CLEANUP(free) char *text = NULL;
	size_t n = body->len < ERROR_BYTES_MAX ? body->len : ERROR_BYTES_MAX;

	if (!request->is_pprof || !request->is_text)
		return error_new("server response: %s", request->status);
	text = xstrndup(n ? body->data : "", n);
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return error_new("server response: %s - %s", request->status, text);
}

static void request_finish(struct request *request, CURLcode code)
{
	struct fetch *fetch = request->fetch;
	long status = 0;

	curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);
	if (fetch->error)
		return;
	if (code != CURLE_OK)
		fetch->error = error_new("%s", *request->reason ?
						       request->reason :
						       curl_easy_strerror(
							       code));
	else if (status != 200)
		fetch->error = status_error(request);
}

static void run_all(CURLM *multi)
{
	int n_running = 1, n_left;
	struct CURLMsg *message;

	while (n_running && !curl_multi_perform(multi, &n_running) &&
	       n_running)
		if (curl_multi_poll(multi, NULL, 0, 1000, NULL))
			break;
	while ((message = curl_multi_info_read(multi, &n_left))) {
		char *request = NULL;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
				  &request);
		request_finish((struct request *)(void *)request,
			       message->data.result);
	}
}

void fetch_all(struct fetch *fetches, size_t n, const struct fetch_tls *tls)
{
	CLEANUP(free) struct request *requests = xcalloc(n, sizeof(*requests));
	CURLM *multi;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) ||
	    !(multi = curl_multi_init())) {
		for (size_t i = 0; i < n; i++)
			fetches[i].error =
				error_new("libcurl cannot be initialized");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		request_open(&requests[i], &fetches[i], tls);
		if (requests[i].curl)
			curl_multi_add_handle(multi, requests[i].curl);
	}
	run_all(multi);
	for (size_t i = 0; i < n; i++) {
		if (requests[i].curl)
			curl_multi_remove_handle(multi, requests[i].curl);
		request_close(&requests[i]);
	}
	curl_multi_cleanup(multi);
}

#else

const char *fetch_library_version(void)
{
	return NULL;
}

void fetch_all(struct fetch *fetches, size_t n, const struct fetch_tls *tls)
{
	(void)tls;
	for (size_t i = 0; i < n; i++)
		fetches[i].error = error_hint(
			error_new("this psample cannot fetch URLs"),
			"fetch it with curl, or build psample with libcurl");
}

#endif
