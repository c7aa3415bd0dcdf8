package io.kestraflow.engine.rest;

import io.micronaut.context.annotation.Value;
import io.micronaut.core.annotation.Nullable;
import io.micronaut.core.order.Ordered;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.annotation.RequestFilter;
import io.micronaut.http.annotation.ServerFilter;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;

/** Lets only the one login in, except to the configuration. A refusal is a 401 without a body. */
@ServerFilter({"/api/v1/**", "/engine/**"})
class BasicAuth implements Ordered {
    private static final String OPEN = "/api/v1/configs";

    private final byte[] accepted;

    BasicAuth(@Value("${engine.username}") String username, @Value("${engine.password}") String password) {
        byte[] login = (username + ":" + password).getBytes(StandardCharsets.UTF_8);
        this.accepted = ("Basic " + Base64.getEncoder().encodeToString(login)).getBytes(StandardCharsets.UTF_8);
    }

    @RequestFilter
    @Nullable
    HttpResponse<?> refuse(HttpRequest<?> request) {
        if (request.getPath().equals(OPEN)) {
            return null;
        }
        String given = request.getHeaders().get(HttpHeaders.AUTHORIZATION);
        if (given != null && MessageDigest.isEqual(accepted, given.getBytes(StandardCharsets.UTF_8))) {
            return null;
        }
        return HttpResponse.unauthorized().header(HttpHeaders.WWW_AUTHENTICATE, "Basic");
    }

    @Override
    public int getOrder() {
        return HIGHEST_PRECEDENCE;
    }
}
