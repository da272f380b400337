<%@ include file="/WEB-INF/include/site.jspf" %>
<%@ include file="/WEB-INF/include/store.jspf" %><%!
  static String json(Object value) {
    if (value == null || value instanceof Boolean || value instanceof Number) return String.valueOf(value);
    StringJoiner parts;
    if (value instanceof Map) {
      parts = new StringJoiner(",", "{", "}");
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) parts.add(json(entry.getKey()) + ":" + json(entry.getValue()));
      return parts.toString();
    }
    if (value instanceof List) {
      parts = new StringJoiner(",", "[", "]");
      for (Object item : (List<?>) value) parts.add(json(item));
      return parts.toString();
    }
    StringBuilder text = new StringBuilder("\"");
    for (char c : value.toString().toCharArray()) {
      if (c == '"' || c == '\\' || c == '/') text.append('\\').append(c);
      else if (c == '\n') text.append("\\n");
      else if (c == '\t') text.append("\\t");
      else if (c < ' ' || c > '~') text.append(String.format("\\u%04x", (int) c));
      else text.append(c);
    }
    return text.append('"').toString();
  }
%><%
  allowMethods(request, response, "GET");
  Properties attempt = requireAttempt(request, response);
  Map<String, Object> record = new LinkedHashMap<>(), answers = new LinkedHashMap<>();
  int number = 0;
  for (Map<String, Object> question : list(application, "questions")) {
    String answer = attempt.getProperty("answer." + ++number);
    if (answer != null) answers.put(String.valueOf(number), question.get("kind").equals("multiple") ? chosen(attempt, number) : answer);
  }
  Map<String, Object> upload = null;
  if (attempt.containsKey("upload.name")) {
    upload = new LinkedHashMap<>();
    upload.put("name", attempt.getProperty("upload.name"));
    upload.put("size", Long.valueOf(attempt.getProperty("upload.size")));
    upload.put("sha256", attempt.getProperty("upload.sha256"));
  }
  record.put("attempt", attempt.getProperty("id"));
  record.put("candidate", attempt.getProperty("candidate"));
  record.put("name", attempt.getProperty("name"));
  record.put("finished", isFinished(attempt));
  record.put("answers", answers);
  record.put("upload", upload);
  response.setContentType("application/json");
  response.setHeader("Cache-Control", "no-store, no-cache, must-revalidate");
  response.setHeader("X-Content-Type-Options", "nosniff");
  out.print(json(record));
%>
