package io.kestraflow.engine.rest;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.MutableHttpResponse;
import java.util.List;
import java.util.Map;

/** The body of every error: a message, a link to the request, and the single errors behind it. Nulls are written. */
@JsonInclude(JsonInclude.Include.ALWAYS)
record ErrorBody(
    String message,
    String logref,
    String path,
    @JsonProperty("_links") Map<String, Link> links,
    @JsonProperty("_embedded") Map<String, List<ErrorBody>> embedded) {

    @JsonInclude(JsonInclude.Include.ALWAYS)
    record Link(
        String href,
        boolean templated,
        String profile,
        String deprecation,
        String title,
        String hreflang,
        String type,
        String name) {}

    /** One of the single errors. */
    static ErrorBody item(String message, String path) {
        return new ErrorBody(message, null, path, Map.of(), Map.of());
    }

    static MutableHttpResponse<ErrorBody> response(HttpRequest<?> request, HttpStatus status, String message) {
        return response(request, status, message, List.of());
    }

    static MutableHttpResponse<ErrorBody> response(
        HttpRequest<?> request, HttpStatus status, String message, List<ErrorBody> items) {
        Link self = new Link(request.getUri().toString(), false, null, null, null, null, null, null);
        Map<String, List<ErrorBody>> embedded = items.isEmpty() ? Map.of() : Map.of("errors", items);
        return HttpResponse.<ErrorBody>status(status).body(new ErrorBody(message, null, null, Map.of("self", self), embedded));
    }
}
