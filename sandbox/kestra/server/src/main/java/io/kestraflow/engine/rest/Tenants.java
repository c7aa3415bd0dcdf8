package io.kestraflow.engine.rest;

import io.micronaut.core.annotation.Nullable;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.HttpStatus;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ServerFilter;
import io.micronaut.web.router.RouteAttributes;

/** The one tenant there is. A known operation under another tenant is refused; an unknown path stays a 404. */
@ServerFilter("/api/v1/**")
class Tenants {
    /** The tenant of every flow, execution and entry. */
    static final String MAIN = "main";

    /** What every path starts with; the tenant may be left out. */
    static final String BASE = "/api/v1{/tenant}";

    @RequestFilter
    @Nullable
    HttpResponse<?> refuse(HttpRequest<?> request) {
        Object tenant = RouteAttributes.getRouteMatch(request).map(match -> match.getVariableValues().get("tenant")).orElse(MAIN);
        if (tenant.equals(MAIN)) {
            return null;
        }
        return ErrorBody.response(request, HttpStatus.BAD_REQUEST, "Bad Request: Tenant must be 'main' for OSS version");
    }
}
