package io.kestraflow.engine.rest;

import io.kestra.core.models.Label;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Labels as they travel in a query: {@code key:value}. */
final class Labels {
    private Labels() {}

    static Map<String, String> map(List<String> labels) {
        Map<String, String> map = new LinkedHashMap<>();
        for (String label : labels) {
            int colon = label.indexOf(':');
            if (colon < 1) {
                throw new IllegalArgumentException("Invalid label, key:value expected: " + label);
            }
            map.put(label.substring(0, colon), label.substring(colon + 1));
        }
        return map;
    }

    /** The labels a caller may give to an execution; those under {@code system.} are the engine's, but for the correlation id. */
    static List<Label> ofExecution(List<String> labels) {
        List<Label> given = Label.from(map(labels));
        for (Label label : given) {
            if (label.key().startsWith(Label.SYSTEM_PREFIX) && !label.key().equals(Label.CORRELATION_ID)) {
                throw new IllegalArgumentException("System labels can only be set by Kestra itself, offending label: " + label);
            }
        }
        return given;
    }
}
