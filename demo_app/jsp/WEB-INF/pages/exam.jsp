<%@ include file="/WEB-INF/include/site.jspf" %><%@ page import="java.util.regex.*" %><%!
  private static final Pattern ADDRESS = Pattern.compile("/([0-9a-f]{32})/(instructions|upload|review|finish|done|answers\\.json|scratch|calculator|q/([1-9]))");
%><%
  // /exam/<attempt>/…: the file of pages/ that answers. The container has taken ";jsessionid=…" out of the path already.
  String path = request.getPathInfo();
  Matcher address = ADDRESS.matcher(path == null ? "" : path);
  if (!address.matches()) fail(request, response, 404, "Page not found", "There is no page at this address.");
  request.setCharacterEncoding("UTF-8");
  request.setAttribute("attempt", address.group(1));
  request.setAttribute("number", address.group(3));
  String name = address.group(3) != null ? "question" : address.group(2).replace(".json", "");
  request.getRequestDispatcher("/WEB-INF/pages/" + name + ".jsp").forward(request, response);
%>
